"""Training of BokehMe's ARNet and IUNet (Peng et al., CVPR 2022; docs/bokehme.md)."""
