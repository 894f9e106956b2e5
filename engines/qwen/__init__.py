"""Qwen3-TTS: neural voices that clone, speak as told and are designed from words. Importing this
package loads nothing."""
