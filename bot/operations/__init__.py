"""Running the program: health, metrics, logs, archive, audit, restored copies."""
