"""Maps of latents: PCA, neighbours, t-SNE, the quality of a map."""
