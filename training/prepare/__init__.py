"""From recordings of any kind to the segments of a training set; run inside a job's process."""
