"""A stream with the client of the package websockets."""

from __future__ import annotations

import asyncio
import json

import websockets
from conftest import samples


def test_speech_and_words_are_reported_while_sound_arrives(server, digits):
    sound = samples(digits / "7_jackson_0.wav")

    async def listen(query: str) -> list[dict]:
        url = server.http.replace("http", "ws") + f"/v1/stream?sample_rate=8000&{query}"
        async with websockets.connect(url) as socket:
            for start in range(0, len(sound), 1000):
                await socket.send(sound[start : start + 1000])
            await socket.send(json.dumps({"type": "finish"}))
            return [json.loads(message) async for message in socket]

    ready, started, stopped, finished = asyncio.run(listen("model=vad"))
    assert (ready["type"], ready["sample_rate"]) == ("ready", 8000)
    assert started["type"] == "speech_started" and 0.6 < started["seconds"] < 1.1
    assert stopped["type"] == "speech_stopped" and 1.2 < stopped["seconds"] < 1.7
    assert finished["type"] == "finished" and abs(finished["seconds"] - len(sound) / 16_000) < 1e-5
    events = asyncio.run(listen("model=digits&keyword=seven"))
    assert [event["label"] for event in events if event["type"] == "keyword"] == ["seven"]
