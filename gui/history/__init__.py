"""What has happened: the log, the scans of this run, the runs of a folder."""
