//! Processes that train one model together.

/// The processes that train one model together, each with a part of the shards of every batch.
///
/// Every process calls the same methods in the same order, and gets the same bits.
pub trait Team: Sync {
    /// Which process this is, from 0; number 0 is the one that writes files.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Adds up the numbers of all processes, place by place.
    fn sum(&self, values: &mut [f32]);

    /// Gives all processes what process 0 has.
    fn broadcast(&self, values: &mut [f32]);

    /// What each process says, in the order of the processes.
    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>>;
}

/// One process by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Team for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn sum(&self, _values: &mut [f32]) {}

    fn broadcast(&self, _values: &mut [f32]) {}

    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>> {
        vec![said.to_vec()]
    }
}

/// The numbers of each process, in their order.
pub(crate) fn gather_numbers(team: &dyn Team, numbers: &[f64]) -> Vec<Vec<f64>> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let read =
        |bytes: Vec<u8>| bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    team.gather(&bytes).into_iter().map(read).collect()
}

/// Adds up the numbers of all processes in their order.
pub(crate) fn sum_numbers<const N: usize>(team: &dyn Team, numbers: [f64; N]) -> [f64; N] {
    if team.size() == 1 {
        return numbers;
    }
    let all = gather_numbers(team, &numbers);
    std::array::from_fn(|at| all.iter().filter_map(|numbers| numbers.get(at)).sum())
}

/// Whether this is true in any process, for each of several questions.
pub(crate) fn any<const N: usize>(team: &dyn Team, here: [bool; N]) -> [bool; N] {
    sum_numbers(team, here.map(|true_here| f64::from(u8::from(true_here)))).map(|count| count > 0.0)
}
