//! libstapes: models and streams for C, and for every language that calls C.
//!
//! `include/stapes.h` is the interface, `docs/export.md` its manual. Each function converts its arguments, calls
//! `stapes-infer`, and returns a status; nothing is computed here.

mod boundary;
#[cfg(target_arch = "wasm32")]
mod memory;
mod model;
mod options;
mod segments;
mod stream;

pub use boundary::{Status, stapes_last_error, stapes_version};
#[cfg(target_arch = "wasm32")]
pub use memory::{stapes_allocate, stapes_release};
pub use model::{
    ModelHandle, stapes_classify, stapes_model_frame_times, stapes_model_free, stapes_model_is_frame_level,
    stapes_model_keyword_threshold, stapes_model_label, stapes_model_load, stapes_model_num_labels,
    stapes_model_sample_rate_hz,
};
pub use options::{KeywordOptions, SpeechOptions, StreamOptions, stapes_stream_options_init};
pub use segments::{SegmentTimes, stapes_speech_segments};
pub use stream::{
    Event, EventKind, StreamHandle, stapes_stream_finish, stapes_stream_free, stapes_stream_new,
    stapes_stream_next, stapes_stream_push,
};
