//! TrainingJob by several processes over MPI.

use mpi::collective::SystemOperation;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use stapes_train::Communicator;

/// The processes that `mpirun` or a cluster's scheduler started together.
///
/// Its methods are called from the thread that made it.
pub struct MpiCommunicator {
    // Dropped, it ends MPI for this process.
    _universe: Universe,
}

/// Bytes of one message: MPI counts in 32 bits.
const MESSAGE: usize = 1 << 30;

impl MpiCommunicator {
    /// Begins MPI; none if it was begun before.
    pub fn begin() -> Option<MpiCommunicator> {
        let (universe, _) = mpi::initialize_with_threading(mpi::Threading::Funneled)?;
        Some(MpiCommunicator { _universe: universe })
    }
}

/// Ends all processes at once, without waiting for any.
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

    /// Adds at process 0 and tells the others: every process has the same bits, whatever the way of adding.
    fn sum(&self, values: &mut [f32]) {
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

    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>> {
        let world = world();
        let mut lengths = vec![0u64; self.size()];
        world.all_gather_into(&(said.len() as u64), &mut lengths[..]);
        let from = |(rank, &length): (usize, &u64)| {
            let mut bytes = if rank == self.rank() { said.to_vec() } else { vec![0; length as usize] };
            let speaker = world.process_at_rank(rank as i32);
            bytes.chunks_mut(MESSAGE).for_each(|message| speaker.broadcast_into(message));
            bytes
        };
        lengths.iter().enumerate().map(from).collect()
    }
}
