"""Send a BrainFlow board to the Lab Streaming Layer: python docs/examples/brainflow_to_lsl.py.

Needs ``pip install brainflow mne-lsl``. It sends BrainFlow's synthetic board; for a real one, give
its id and serial port. Then, in another terminal: ``eegdancer live --model … --source lsl:board``.
"""

import argparse
import time

from brainflow.board_shim import BoardIds, BoardShim, BrainFlowInputParams
from mne_lsl.lsl import StreamInfo, StreamOutlet, local_clock

arguments = argparse.ArgumentParser()
arguments.add_argument("--board", type=int, default=BoardIds.SYNTHETIC_BOARD.value)
arguments.add_argument("--port", default="", help="serial port, such as /dev/ttyUSB0 or COM3")
arguments.add_argument("--seconds", type=float, default=float("inf"))
options = arguments.parse_args()

rows = BoardShim.get_eeg_channels(options.board)
names = BoardShim.get_eeg_names(options.board)  # check that they are where your electrodes are
sfreq = BoardShim.get_sampling_rate(options.board)
info = StreamInfo("board", "EEG", len(rows), sfreq, "float32", f"brainflow-{options.board}")
info.set_channel_names(names)
info.set_channel_types("eeg")
info.set_channel_units("microvolts")

parameters = BrainFlowInputParams()
parameters.serial_port = options.port
board, outlet = BoardShim(options.board, parameters), StreamOutlet(info)
board.prepare_session()
board.start_stream()
ends = time.monotonic() + options.seconds
try:
    while time.monotonic() < ends:
        samples = board.get_board_data()[rows].T.astype("float32").copy(order="C")
        if len(samples):
            outlet.push_chunk(samples, timestamp=local_clock())  # of its last sample
        time.sleep(0.04)
finally:
    board.stop_stream()
    board.release_session()
