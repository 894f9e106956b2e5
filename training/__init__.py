"""Data set preparation and trainers; run only inside a job's process."""
