//! The processes that train together, where an MPI launcher started several.

use anyhow::Result;
use stapes::train::{Communicator, SingleProcess};

/// What launchers tell a process about the number of processes: Open MPI, MPICH and those made from it, MVAPICH2, Slurm.
const SIZES: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"];

/// What a launcher with PMIx tells: which process this is.
const RANK: &str = "PMIX_RANK";

/// Whether a launcher started this process.
fn launched() -> bool {
    SIZES.iter().chain([&RANK]).any(|name| std::env::var_os(name).is_some())
}

/// The team of a command.
pub(super) enum Launched {
    SingleProcess(SingleProcess),
    #[cfg(feature = "mpi")]
    Mpi(stapes::mpi::MpiCommunicator),
}

impl Launched {
    /// The team that a launcher started, or this process by itself.
    pub(super) fn begin() -> Result<Launched> {
        #[cfg(feature = "mpi")]
        if let Some(team) = launched().then(stapes::mpi::MpiCommunicator::begin).flatten() {
            if team.size() > 1 {
                // The others would wait for a process that panics.
                let told = std::panic::take_hook();
                std::panic::set_hook(Box::new(move |panic| {
                    told(panic);
                    stapes::mpi::abort(super::NOTHING_DONE.into());
                }));
            }
            return Ok(Launched::Mpi(team));
        }
        let several = || {
            let sizes = SIZES.iter().filter_map(|name| std::env::var(name).ok()?.parse::<usize>().ok());
            sizes.max().is_some_and(|size| size > 1)
        };
        if launched() && several() {
            anyhow::bail!(
                "several processes were started together, and this program was built without MPI: each would train the \
                 same model. Build it with `cargo build --release -p stapes --features mpi`"
            );
        }
        Ok(Launched::SingleProcess(SingleProcess))
    }

    pub(super) fn team(&self) -> &dyn Communicator {
        match self {
            Launched::SingleProcess(alone) => alone,
            #[cfg(feature = "mpi")]
            Launched::Mpi(team) => team,
        }
    }

    /// After an error that was told: ends the other processes too, which would wait for ever.
    pub(super) fn give_up(&self) {
        #[cfg(feature = "mpi")]
        if let Launched::Mpi(team) = self
            && team.size() > 1
        {
            stapes::run::abandon_all();
            stapes::mpi::abort(super::NOTHING_DONE.into());
        }
    }
}
