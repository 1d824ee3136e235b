"""The Wyoming protocol with the client of its own package."""

from __future__ import annotations

import asyncio
import socket

from conftest import samples
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection, NotDetected

FORMAT = {"rate": 8000, "width": 2, "channels": 1}


async def send(client: AsyncTcpClient, sound: bytes) -> None:
    """Sends sound in pieces of 50 ms."""
    await client.write_event(AudioStart(**FORMAT, timestamp=0).event())
    for start in range(0, len(sound), 800):
        await client.write_event(AudioChunk(**FORMAT, audio=sound[start : start + 800]).event())
    await client.write_event(AudioStop().event())


async def events(client: AsyncTcpClient, count: int) -> list[Event]:
    """Returns the next events."""
    return [await asyncio.wait_for(client.read_event(), 60) for _ in range(count)]


def run(server, *clients):
    """Runs clients at the same time, each with a connection; returns their results."""

    async def one(client):
        async with AsyncTcpClient("127.0.0.1", server.wyoming_port) as connection:
            return await client(connection)

    async def all_clients():
        return await asyncio.gather(*(one(client) for client in clients))

    return asyncio.run(all_clients())


def test_a_word_is_detected(server, digits):
    sound = samples(digits / "7_jackson_0.wav")

    async def client(connection):
        await connection.write_event(Detect(names=["seven"]).event())
        await send(connection, sound)
        return await events(connection, 1)

    [[event]] = run(server, client)
    assert Detection.is_type(event.type)
    detection = Detection.from_event(event)
    # The word starts after a second of silence; windows are of a second.
    assert detection.name == "seven" and 1000 < detection.timestamp < 3000


def test_another_word_is_not_detected(server, digits):
    sound = samples(digits / "3_jackson_0.wav")

    async def client(connection):
        await connection.write_event(Detect(names=["seven"]).event())
        await send(connection, sound)
        return await events(connection, 1)

    [[event]] = run(server, client)
    assert NotDetected.is_type(event.type)


def test_voice_starts_and_stops_while_another_client_waits_for_a_word(server, digits):
    sound = samples(digits / "7_jackson_0.wav")

    async def voice(connection):
        await send(connection, sound)
        return await events(connection, 2)

    async def word(connection):
        await connection.write_event(Detect().event())
        await send(connection, sound)
        return await events(connection, 1)

    [[started, stopped], [detected]] = run(server, voice, word)
    assert VoiceStarted.is_type(started.type) and VoiceStopped.is_type(stopped.type)
    start, stop = VoiceStarted.from_event(started).timestamp, VoiceStopped.from_event(stopped).timestamp
    # The padding is 300 ms; the recording lasts 432 ms.
    assert 600 < start < 1100 and 1200 < stop < 1700
    assert Detection.from_event(detected).name == "seven"


def test_description_and_ping(server):
    async def client(connection):
        await connection.write_event(Describe().event())
        await connection.write_event(Ping(text="hello").event())
        return await events(connection, 2)

    [[info, pong]] = run(server, client)
    [program] = Info.from_event(info).wake
    assert [model.name for model in program.models] == ["one", "seven"]
    assert program.installed and program.models[0].phrase == "one"
    assert Pong.is_type(pong.type) and pong.data["text"] == "hello"


def test_garbage_ends_its_connection_only(server):
    for garbage in [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000, b'{"type":"x","payload_length":1e18}\n', b"\0\n"]:
        with socket.create_connection(("127.0.0.1", server.wyoming_port), timeout=60) as connection:
            connection.sendall(garbage)
            answer = connection.makefile("rb").readline()
            assert b'"error"' in answer, garbage[:40]

    async def client(connection):
        await connection.write_event(Detect(names=["eleven"]).event())
        return await events(connection, 1)

    [[event]] = run(server, client)
    assert Error.is_type(event.type) and Error.from_event(event).code == "unknown-name"
