//! The processes of a training, of which an MPI launcher can start several.

use anyhow::Result;
use stapes::train::{Communicator, SingleProcess};

/// Variables in which launchers pass the number of processes: Open MPI, MPICH and its derivatives, MVAPICH2, Slurm.
const SIZES: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"];

/// Variable in which a launcher with PMIx passes the rank of the process.
const RANK: &str = "PMIX_RANK";

/// Returns true if a launcher started this process.
fn is_launched() -> bool {
    SIZES.iter().chain([&RANK]).any(|name| std::env::var_os(name).is_some())
}

/// The processes of a command.
pub(super) enum Processes {
    Single(SingleProcess),
    #[cfg(feature = "mpi")]
    Mpi(stapes::mpi::MpiCommunicator),
}

impl Processes {
    /// Connects the processes that a launcher started; without a launcher, returns this process alone.
    pub(super) fn connect() -> Result<Processes> {
        #[cfg(feature = "mpi")]
        if let Some(communicator) = is_launched().then(stapes::mpi::MpiCommunicator::initialize).flatten() {
            if communicator.size() > 1 {
                // The other processes would wait for a process that panics.
                let print_panic = std::panic::take_hook();
                std::panic::set_hook(Box::new(move |panic| {
                    print_panic(panic);
                    stapes::mpi::abort(super::NOTHING_DONE.into());
                }));
            }
            return Ok(Processes::Mpi(communicator));
        }
        let several = || {
            let sizes = SIZES.iter().filter_map(|name| std::env::var(name).ok()?.parse::<usize>().ok());
            sizes.max().is_some_and(|size| size > 1)
        };
        if is_launched() && several() {
            anyhow::bail!(
                "several processes were started, but this program was built without MPI, so each would train the same \
                 model; build it with `cargo build --release -p stapes --features mpi`"
            );
        }
        Ok(Processes::Single(SingleProcess))
    }

    /// Returns the connection between the processes.
    pub(super) fn communicator(&self) -> &dyn Communicator {
        match self {
            Processes::Single(single) => single,
            #[cfg(feature = "mpi")]
            Processes::Mpi(communicator) => communicator,
        }
    }

    /// Ends the other processes after an error; they would wait forever.
    pub(super) fn abort(&self) {
        #[cfg(feature = "mpi")]
        if let Processes::Mpi(communicator) = self
            && communicator.size() > 1
        {
            stapes::run::abandon_all();
            stapes::mpi::abort(super::NOTHING_DONE.into());
        }
    }
}
