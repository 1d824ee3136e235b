//! The server under load, on loopback: clips per second beside the bare classifier, latency and memory over minutes, streams per core.
//!
//! `cargo bench -p stapes-serve --bench load -- [MINUTES]` (default 1). Clients and server share the process and its cores, so the
//! rates of the server contain the work of the clients; processor times do not.
//!
//! 1. clips per second, and processor time per clip: [`Classifier`] alone, and requests of 8 connections, on two threads each, in
//!    alternating rounds;
//! 2. 200 connections: 100 streams in real time, and 100 that send clips at 70 % of the capacity found, each request at its time whether
//!    or not the one before has been answered late; every 10 s the latency since that time, the errors and the memory;
//! 3. streams per core at real time: 1,000 streams of `vad` on one thread, and over WebSockets.

#[path = "../tests/support/mod.rs"]
mod support;

use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use stapes_audio::Clip;
use stapes_infer::{Classifier, ListenerModel, ListenerOptions, SpeechOptions};

use support::http;
use support::websocket::{Message, Socket};
use support::{Running, clip, model, resident_bytes, wav};

const THREADS: usize = 2;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
const CONNECTIONS: usize = 100;
const TARGET: &str = "/v1/classify?model=digits";
/// Duration of a message of a stream.
const MESSAGE: Duration = Duration::from_millis(100);
const RATE_HZ: usize = 16_000;

fn main() {
    let minutes: f64 = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(1.0);
    let server = Running::start(|options| options.threads = THREADS);
    let one_second = clip(1.0, 8000);
    let capacity = throughput(server.addr, &one_second);
    mixed(server.addr, &one_second, 0.7 * capacity, minutes);
    println!("streams of vad per core at real time, 100 ms per message");
    for count in [1, 100, 1000] {
        println!("  {count:>5} streams on one thread  {:8.0}", streams_on_one_thread(count));
    }
    println!("  over WebSockets       {:8.0}", streams_over_websockets(server.addr));
}

/// Sends a clip; returns true for an answer with a label.
fn send(stream: &TcpStream, bytes: &[u8]) -> bool {
    http::write(stream, "POST", TARGET, &[], bytes).is_ok()
        && http::read(stream).is_ok_and(|answer| answer.status == 200 && answer.json()["label"].is_string())
}

/// Work of a round.
#[derive(Clone, Copy, Default)]
struct Round {
    per_second: f64,
    /// Processor time per call of the process without the calling threads, s.
    others_seconds: f64,
    /// Processor time per call of the calling threads, s.
    callers_seconds: f64,
}

/// Calls a function on threads for a time.
fn round(threads: usize, work: impl Fn() -> Box<dyn FnMut()> + Sync) -> Round {
    let (count, callers) = (AtomicUsize::new(0), Mutex::new(0.0));
    let (started, before) = (Instant::now(), process_seconds());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut work = work();
                while started.elapsed() < ROUND {
                    work();
                    count.fetch_add(1, Ordering::Relaxed);
                }
                *callers.lock().expect("no panic") += thread_seconds();
            });
        }
    });
    let (count, callers) = (count.into_inner() as f64, callers.into_inner().expect("no panic"));
    Round {
        per_second: count / started.elapsed().as_secs_f64(),
        others_seconds: (process_seconds() - before - callers) / count,
        callers_seconds: callers / count,
    }
}

/// Returns the processor time of the process, s.
fn process_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Returns the median round by a value.
fn median(rounds: &mut [Round], value: impl Fn(&Round) -> f64) -> f64 {
    rounds.sort_by(|a, b| value(a).total_cmp(&value(b)));
    value(&rounds[rounds.len() / 2])
}

/// Prints clips per second without and with the server; returns the latter.
fn throughput(addr: SocketAddr, clip: &Clip) -> f64 {
    let bytes: &'static [u8] = wav(clip).0.leak();
    let clip: &'static Clip = Box::leak(Box::new(wav(clip).1));
    let (mut bare, mut served) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(round(THREADS, || {
            let mut classifier = Classifier::from_model(model("digits")).expect("a model");
            Box::new(move || {
                classifier.classify(clip).expect("probabilities");
            })
        }));
        served.push(round(8, || {
            let stream = http::connect(addr);
            Box::new(move || assert!(send(&stream, bytes), "a request failed"))
        }));
    }
    let [bare_rate, rate] = [&mut bare, &mut served].map(|rounds| median(rounds, |round| round.per_second));
    let bare_time = 1e6 * median(&mut bare, |round| round.callers_seconds);
    let time = 1e6 * median(&mut served, |round| round.others_seconds);
    let client_time = 1e6 * median(&mut served, |round| round.callers_seconds);
    println!("clips of a second, `digits`, {THREADS} threads, medians of {ROUNDS} rounds");
    println!("  bare classifier {bare_rate:8.0} per second, {bare_time:5.0} us of processor time");
    println!(
        "  server          {rate:8.0} per second, {time:5.0} us, and {client_time:.0} us of the clients"
    );
    println!("  ratio           {:8.3}             {:9.3}", rate / bare_rate, bare_time / time);
    rate
}

/// Runs streams in real time and clips at a rate.
fn mixed(addr: SocketAddr, clip: &Clip, rate: f64, minutes: f64) {
    println!(
        "{CONNECTIONS} streams in real time and {CONNECTIONS} connections with {rate:.0} clips per second"
    );
    println!("  {:>5} {:>9} {:>8} {:>8} {:>8} {:>7}", "s", "clips/s", "p50 ms", "p99 ms", "MiB", "errors");
    let bytes = wav(clip).0;
    let sound = wav(&support::clip(10.0, RATE_HZ as u32)).0;
    let (latencies, errors) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let is_done = AtomicBool::new(false);
    // It does not grow, so that the memory is that of the server.
    let mut all = vec![1.0; (1.5 * rate * 60.0 * minutes) as usize];
    all.clear();
    thread::scope(|scope| {
        for number in 0..CONNECTIONS {
            let offset = number as f64 / CONNECTIONS as f64;
            let (latencies, errors, is_done) = (&latencies, &errors, &is_done);
            let (bytes, sound) = (&bytes, &sound[44..]);
            scope.spawn(move || {
                let period = CONNECTIONS as f64 / rate;
                let client = http::connect(addr);
                let mut next = Instant::now() + Duration::from_secs_f64(offset * period);
                while !is_done.load(Ordering::Relaxed) {
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                    if !send(&client, bytes) {
                        errors.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    latencies.lock().expect("no panic").push(next.elapsed().as_secs_f64());
                    next += Duration::from_secs_f64(period);
                }
            });
            scope.spawn(move || {
                thread::sleep(MESSAGE.mul_f64(offset));
                if !stream(addr, sound, is_done) {
                    errors.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let started = Instant::now();
        while started.elapsed().as_secs_f64() < 60.0 * minutes {
            thread::sleep(Duration::from_secs(10));
            let mut found = std::mem::take(&mut *latencies.lock().expect("no panic"));
            print_line(started.elapsed().as_secs_f64(), &mut found, 10.0, &errors);
            all.extend(found);
        }
        is_done.store(true, Ordering::Relaxed);
    });
    println!("  all:");
    print_line(60.0 * minutes, &mut all, 60.0 * minutes, &errors);
}

fn print_line(seconds: f64, latencies: &mut [f64], duration: f64, errors: &AtomicUsize) {
    latencies.sort_by(f64::total_cmp);
    let quantile =
        |q: f64| latencies.get((q * latencies.len() as f64) as usize).map_or(f64::NAN, |s| 1e3 * s);
    println!(
        "  {seconds:5.0} {:9.1} {:8.2} {:8.2} {:8.1} {:7}",
        latencies.len() as f64 / duration,
        quantile(0.5),
        quantile(0.99),
        resident_bytes() as f64 / f64::from(1 << 20),
        errors.load(Ordering::Relaxed)
    );
}

/// Sends sound in real time; returns true if the stream ends with its last event.
fn stream(addr: SocketAddr, sound: &[u8], is_done: &AtomicBool) -> bool {
    let mut socket = Socket::ready(addr, "/v1/stream?model=vad");
    let mut reader = Socket { stream: socket.stream.try_clone().expect("a socket"), answers: false };
    thread::scope(|scope| {
        // The events are not kept: the memory is that of the server.
        let rest = scope.spawn(move || {
            let mut last = None;
            loop {
                match reader.next() {
                    Message::Event(event) => last = Some(event),
                    end => return (last, end),
                }
            }
        });
        let piece = MESSAGE.as_millis() as usize * RATE_HZ / 1000 * 2;
        let mut next = Instant::now();
        for piece in sound.chunks_exact(piece).cycle() {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next += MESSAGE;
            if is_done.load(Ordering::Relaxed) || socket.frame(true, 2, piece).is_err() {
                break;
            }
            // An answer to a ping that the other half reads; the server accepts it at any time.
            if socket.frame(true, 10, b"").is_err() {
                break;
            }
        }
        socket.text("{\"type\":\"finish\"}");
        let (last, end) = rest.join().expect("no panic");
        end == Message::Close(1000) && last.is_some_and(|event| event["type"] == "finished")
    })
}

/// Returns the processor time of this thread, s.
fn thread_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ')
        .next()
        .and_then(|text| text.parse::<f64>().ok())
        .map_or(f64::NAN, |nanoseconds| nanoseconds / 1e9)
}

/// Returns the number of streams in real time for which a core is enough.
fn streams_on_one_thread(count: usize) -> f64 {
    let options = ListenerOptions::Speech(SpeechOptions::default());
    let mut model = ListenerModel::from_model(model("vad"), &options).expect("a model");
    let mut streams: Vec<_> = (0..count).map(|_| model.start(&options).expect("a stream")).collect();
    let seconds = (2000 / count).clamp(2, 20);
    let samples = clip(seconds as f64, RATE_HZ as u32).samples;
    let before = thread_seconds();
    for piece in samples.chunks(MESSAGE.as_millis() as usize * RATE_HZ / 1000) {
        for stream in &mut streams {
            stream.push(&mut model, piece, |_| {}).expect("finite samples");
        }
    }
    (seconds * count) as f64 / (thread_seconds() - before)
}

/// Returns the streams for which a core of the server is enough, from clients that send as fast as it reads.
fn streams_over_websockets(addr: SocketAddr) -> f64 {
    let sound: &'static [u8] = wav(&clip(10.0, RATE_HZ as u32)).0.leak();
    let piece = MESSAGE.as_millis() as usize * RATE_HZ / 1000 * 2;
    let messages = round(16, || {
        let mut socket = Socket::ready(addr, "/v1/stream?model=vad");
        let mut pieces = sound[44..].chunks_exact(piece).cycle();
        Box::new(move || socket.binary(pieces.next().expect("endless")))
    });
    // Of the server alone.
    MESSAGE.as_secs_f64() / messages.others_seconds
}
