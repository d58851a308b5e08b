"""Log lines: gathered in the event loop, never lost, never anybody's error."""

import asyncio
import errno
import threading

from didier.logging import Lines


class Writes:
    """A file that remembers what each write was."""

    def __init__(self):
        self.all = []

    def write(self, data):
        self.all.append(data)

    def flush(self):
        pass


def log(lines, *texts):
    for text in texts:
        lines.write(text)
        lines.flush()


def test_lines_of_a_turn_are_written_together():
    """What the event loop logs in one turn is one write, and there before the next turn ends."""
    file = Writes()
    lines = Lines(file)

    async def turn():
        log(lines, b"one\n", b"two\n")
        before = list(file.all)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return before

    assert [] == asyncio.run(turn())
    assert [b"one\ntwo\n"] == file.all


def test_other_threads_write_at_once_and_behind():
    """The line of a thread goes out at once, behind those of the loop that wait, so the order is kept."""
    file = Writes()
    lines = Lines(file)

    async def turn():
        log(lines, b"loop\n")
        thread = threading.Thread(target=log, args=[lines, b"thread\n"])
        thread.start()
        thread.join()
        return list(file.all)

    assert [b"loop\nthread\n"] == asyncio.run(turn())


def test_what_clients_sent_commands_no_terminal():
    """Controls that JSON may hold as they are stand in the log by their codes; other letters as they are."""
    file = Writes()
    lines = Lines(file)

    log(lines, '{"path": "/é\x9b31m\u202e\x7f"}\n'.encode())

    assert ['{"path": "/é\\u009b31m\\u202e\\u007f"}\n'.encode()] == file.all


def test_no_line_is_lost_or_doubled():
    """Lines of many threads and of the loop are all there, each once."""
    file = Writes()
    lines = Lines(file)
    wanted = {f"{source} {number}\n".encode() for source in ("loop", "a", "b") for number in range(500)}

    async def turns():
        threads = [
            threading.Thread(target=log, args=[lines, *(f"{name} {n}\n".encode() for n in range(500))])
            for name in ("a", "b")
        ]
        for thread in threads:
            thread.start()
        for number in range(500):
            log(lines, f"loop {number}\n".encode())
            await asyncio.sleep(0)
        for thread in threads:
            thread.join()

    asyncio.run(turns())
    lines.write_out()
    written = b"".join(file.all).splitlines(keepends=True)

    assert wanted == set(written)
    assert len(wanted) == len(written)


def test_log_that_cannot_be_written_fails_nobody():
    """A full disk under the log is no error of whoever is served."""

    class Full(Writes):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    lines = Lines(Full())

    log(lines, b"lost\n")  # raises nothing

    assert not lines._waiting
