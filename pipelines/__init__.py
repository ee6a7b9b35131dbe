"""Flows that read from top to bottom: what the commands, notebooks and schedules run."""
