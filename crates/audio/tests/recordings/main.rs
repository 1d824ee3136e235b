//! Recordings of every format, whole and damaged; `fixtures/make.py` makes them.

mod damage;
mod formats;
mod signal;
