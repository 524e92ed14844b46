"""EEG in a BIDS tree, or in any folder that MNE reads, with continuous labels.

`dataset` holds card and options; `files` finds recordings and their sidecars, `order` sorts them as
they were recorded, `edf`, `lengths` and `matlab` look for damage, `signals` reads EEG, `channels`
chooses what is EEG, `labels` and `events` read labels and clips, `runs` puts these together, and
`trials` cuts them.
"""

from eeg_emotion_env.datasets.bids.dataset import BIDS, BIDSOptions

__all__ = ["BIDS", "BIDSOptions"]
