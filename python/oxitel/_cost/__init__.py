"""`python -m oxitel cost -- python app.py`: what telemetry costs a program of the user's.

Flow: `command` asks the program's interpreter what it has (`probe`) -> the program runs in turns,
without telemetry, with opentelemetry-sdk and with us (`run`); `start` starts telemetry in it before
its first line -> `receiver` counts what arrives -> `report`.
"""
