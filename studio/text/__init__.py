"""Text before speech: language, sentences, parts; and subtitles after it."""
