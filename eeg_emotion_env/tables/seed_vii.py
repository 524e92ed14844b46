"""What is known of SEED-VII in advance: the emotion that each of the 80 clips aims at."""

N_SESSIONS, CLIPS_A_SESSION = 4, 20

LETTERS: dict[str, str] = {
    "H": "happy",
    "N": "neutral",
    "D": "disgust",
    "Sa": "sad",
    "A": "anger",
    "F": "fear",
    "Su": "surprise",
}

_BLOCKS = (
    "H N D Sa A A Sa D N H",
    "A Sa F N Su Su N F Sa A",
    "H Su D F A A F D Su H",
    "D Sa F Su H H Su F Sa D",
)
# Each session shows its block of ten twice.
CLIP_EMOTIONS: tuple[str, ...] = tuple(
    LETTERS[letter] for block in _BLOCKS for letter in 2 * block.split()
)
"""Target emotion of clips 1 to 80."""

VALENCE_SIGNS: dict[str, int] = {
    "happy": 1,
    "surprise": 1,
    "neutral": 0,
    "disgust": -1,
    "sad": -1,
    "anger": -1,
    "fear": -1,
}
"""Sign that turns the intensity of an emotion into a valence: a choice of ours."""

TOTAL_SECONDS = 14_098
"""Seconds of all clips together; the lengths of single clips are not published."""
