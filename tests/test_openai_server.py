"""OpenAI's own client and a key against the server as people start it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from studio.settings import CHECKOUT
from tests.running import Server, made_key

LONG = "Good morning. " * 1_500


def test_the_client_speaks_and_listens_with_its_key(tmp_path: Path) -> None:
    """The page's example as it stands, and a client that hangs up."""
    home = tmp_path / "home"
    key = made_key(home)
    with Server(home) as server:
        with OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0) as client:
            assert "espeak" in {model.id for model in client.models.list()}
            asking = client.audio.speech.with_streaming_response
            with asking.create(model="tts-1", voice="alloy", input=LONG, response_format="pcm") as said:
                assert len(next(said.iter_bytes(4_096))) == 4_096  # and then it hangs up
            page = (CHECKOUT / "docs" / "openai.md").read_text("utf-8")
            (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
            example = example.replace("http://127.0.0.1:7860", server.url).replace("tk_...", key)
            ran = subprocess.run(
                [sys.executable, "-c", example],
                cwd=tmp_path,
                capture_output=True,
                check=False,
                timeout=60,
            )
            assert ran.returncode == 0, ran.stderr
            assert (tmp_path / "hello.mp3").read_bytes().startswith(b"ID3")
            assert ran.stdout.strip()
            with pytest.raises(openai.NotFoundError, match="nobody"):
                client.audio.speech.create(model="tts-1", voice="nobody", input="Good morning.")
        with (
            OpenAI(base_url=f"{server.url}/v1", api_key="tk_wrong", max_retries=0) as stranger,
            pytest.raises(openai.AuthenticationError),
        ):
            stranger.models.list()
        assert server.stop() == 0
        assert key not in server.log
        assert "Good morning" not in server.log
