//! The channel of recordings.

use clap::Args;
use stapes::audio::Channel;

/// Channel that is read.
#[derive(Args)]
pub(crate) struct ChannelArg {
    /// Channel of the recordings: mean, or its number from 0
    #[arg(long, value_name = "CHANNEL", default_value_t)]
    pub(crate) channel: Channel,
}
