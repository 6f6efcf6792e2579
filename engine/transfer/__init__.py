"""Transfer of voice and emotion: latents of one clip given to another, rendered and judged."""
