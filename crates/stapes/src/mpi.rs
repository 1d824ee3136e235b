//! Training with several processes over MPI.

use mpi::collective::SystemOperation;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator as _, CommunicatorCollectives, Root};
use stapes_train::Communicator;

/// Communicator of the processes that `mpirun` or a cluster's scheduler started together.
///
/// Its methods must be called from the thread that initialized it.
pub struct MpiCommunicator {
    // Finalizes MPI when it is dropped.
    _universe: Universe,
}

/// Maximum number of bytes per message, because MPI counts in 32 bits.
const MAX_MESSAGE: usize = 1 << 30;

impl MpiCommunicator {
    /// Initializes MPI; `None` if it was initialized before.
    pub fn initialize() -> Option<MpiCommunicator> {
        let (universe, _) = mpi::initialize_with_threading(mpi::Threading::Funneled)?;
        Some(MpiCommunicator { _universe: universe })
    }
}

/// Terminates all processes immediately.
pub fn abort(code: i32) -> ! {
    world().abort(code)
}

fn world() -> SimpleCommunicator {
    SimpleCommunicator::world()
}

impl Communicator for MpiCommunicator {
    fn rank(&self) -> usize {
        world().rank() as usize
    }

    fn size(&self) -> usize {
        world().size() as usize
    }

    /// Adds in process 0 and broadcasts the sum, so that all processes have the same bits.
    fn all_reduce_sum(&self, values: &mut [f32]) {
        let world = world();
        let root = world.process_at_rank(0);
        match world.rank() {
            0 => {
                let mut sums = vec![0.0f32; values.len()];
                root.reduce_into_root(&*values, &mut sums[..], SystemOperation::sum());
                values.copy_from_slice(&sums);
            }
            _ => root.reduce_into(&*values, SystemOperation::sum()),
        }
        root.broadcast_into(values);
    }

    fn broadcast(&self, values: &mut [f32]) {
        world().process_at_rank(0).broadcast_into(values);
    }

    fn all_gather(&self, message: &[u8]) -> Vec<Vec<u8>> {
        let world = world();
        let mut lengths = vec![0u64; self.size()];
        world.all_gather_into(&(message.len() as u64), &mut lengths[..]);
        let from = |(rank, &length): (usize, &u64)| {
            let mut bytes = if rank == self.rank() { message.to_vec() } else { vec![0; length as usize] };
            let sender = world.process_at_rank(rank as i32);
            bytes.chunks_mut(MAX_MESSAGE).for_each(|chunk| sender.broadcast_into(chunk));
            bytes
        };
        lengths.iter().enumerate().map(from).collect()
    }
}
