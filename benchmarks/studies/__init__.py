"""Studies on frozen latents: what is trained on them differs, the encoder of a fold does not.

``python -m benchmarks.studies ladder|algorithms|attempts``: supervised heads, back-propagation
through the trajectory and reinforcement learning on the same latents, with several seeds.
"""
