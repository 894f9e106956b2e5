"""Bending speech towards another voice with the WORLD vocoder: analysis, profiles, match, exemplars.

It works on any clean speech; the embedded engine gives it eSpeak NG's. Importing this package loads
nothing; its modules load numpy and scipy, and pyworld on first use.
"""
