"""FastAGI: Asterisk asks over TCP where a call goes, and is told in its own commands."""
