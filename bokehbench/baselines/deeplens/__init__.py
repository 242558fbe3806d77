"""A renderer in the style of DeepLens (Wang et al., 2018): lens blur at a small size, guided upsampling."""
