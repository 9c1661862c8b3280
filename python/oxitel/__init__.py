"""OpenTelemetry for Python on an engine in Rust.

Importing starts nothing.
"""
