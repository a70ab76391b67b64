"""Where a rival finds what it works with, told by whoever started it."""

import os

STORE = os.environ.get("BENCH_STORE", "")  # a URL
RECEIVER = os.environ.get("BENCH_RECEIVER", "")
PORT = int(os.environ.get("BENCH_PORT", "0"))
PROCESSORS = os.cpu_count() or 1
AT_ONCE = 250  # messages on their way, in all processes together, as Xiaoer's webhook does it
