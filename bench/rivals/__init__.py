"""What others would build it on, as their own documentation says, doing the same work as Xiaoer.

Each is one module with the same three names, as far as it has a part in the measure:

    site()          the door: a context that yields an aiohttp site, whose deliveries it verifies and keeps
    load(given)     puts reminders that are due where it keeps them, before the clock runs
    WORKERS         what its working processes are called with, each behind `python`

`python -m bench.rivals taskiq_redis door` runs one of these parts; the environment says where it finds
its store and the receiver (see `bench/rivals/place.py`).
"""
