"""The parts of the Transcribe tab: its form, the live view, the editor, what was kept before."""
