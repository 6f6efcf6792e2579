"""Devices, threads, processes and the control of running jobs."""
