//! Training with several processes over MPI.

use mpi::Count;
use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::point_to_point::send_receive_into;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator as _, CommunicatorCollectives, Destination, Root, Source};
use stapes_train::Communicator;

/// Communicator of the processes that `mpirun` or a cluster's scheduler started together.
///
/// Methods that send or receive must be called from the thread that initialized it.
pub struct MpiCommunicator {
    // Finalizes MPI when it is dropped.
    _universe: Universe,
    // Asked for on other threads too, where MPI must not be called.
    rank: usize,
    size: usize,
}

/// Maximum number of bytes per message, because MPI counts in 32 bits.
const MAX_MESSAGE: usize = 1 << 30;

impl MpiCommunicator {
    /// Initializes MPI; `None` if it was initialized before.
    pub fn initialize() -> Option<MpiCommunicator> {
        let (universe, _) = mpi::initialize_with_threading(mpi::Threading::Funneled)?;
        let (rank, size) = (world().rank() as usize, world().size() as usize);
        Some(MpiCommunicator { _universe: universe, rank, size })
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
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn send(&self, values: &[f32], to: usize) {
        world().process_at_rank(to as i32).send(values);
    }

    fn receive(&self, values: &mut [f32], from: usize) {
        world().process_at_rank(from as i32).receive_into(values);
    }

    fn send_receive(&self, sent: &[f32], received: &mut [f32], partner: usize) {
        let world = world();
        let partner = world.process_at_rank(partner as i32);
        send_receive_into(sent, &partner, received, &partner);
    }

    fn broadcast(&self, values: &mut [f32]) {
        world().process_at_rank(0).broadcast_into(values);
    }

    fn all_gather(&self, message: &[u8]) -> Vec<Vec<u8>> {
        let world = world();
        let mut lengths = vec![0u64; self.size()];
        world.all_gather_into(&(message.len() as u64), &mut lengths[..]);
        let total: u64 = lengths.iter().sum();
        if total == 0 {
            return vec![Vec::new(); lengths.len()];
        }
        // The address of an empty slice can be that of Open MPI's MPI_IN_PLACE, 1.
        let message = if message.is_empty() { &b"."[..0] } else { message };
        let Ok(total) = Count::try_from(total) else { return broadcast_in_turn(&world, message, &lengths) };
        let counts: Vec<Count> = lengths.iter().map(|&length| length as Count).collect();
        let starts: Vec<Count> = counts
            .iter()
            .scan(0, |end, count| {
                let start = *end;
                *end += count;
                Some(start)
            })
            .collect();
        let mut bytes = vec![0; total as usize];
        world.all_gather_varcount_into(
            message,
            &mut PartitionMut::new(&mut bytes[..], &counts[..], &starts[..]),
        );
        let mut rest = &bytes[..];
        let mut next = |&length: &u64| rest.split_off(..length as usize).unwrap_or_default().to_vec();
        lengths.iter().map(&mut next).collect()
    }
}

/// Returns the messages of all processes, which are too long together for MPI's count; each is broadcast.
fn broadcast_in_turn(world: &SimpleCommunicator, message: &[u8], lengths: &[u64]) -> Vec<Vec<u8>> {
    let from = |(rank, &length): (usize, &u64)| {
        let mut bytes = if rank as i32 == world.rank() { message.to_vec() } else { vec![0; length as usize] };
        let sender = world.process_at_rank(rank as i32);
        bytes.chunks_mut(MAX_MESSAGE).for_each(|chunk| sender.broadcast_into(chunk));
        bytes
    };
    lengths.iter().enumerate().map(from).collect()
}
