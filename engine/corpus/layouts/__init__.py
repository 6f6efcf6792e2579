"""The folder layouts of public corpora, one a file: what a path says about speaker and labels."""
