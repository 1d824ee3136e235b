//! Recordings of every format, intact and damaged; `fixtures/make.py` creates them.

mod claims;
mod damage;
mod formats;
mod signal;
