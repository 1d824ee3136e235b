//! A recurrent layer allocates only until its working memory has grown to the largest batch.

#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use stapes_kernels::product::{Matrix, MatrixMut, Start};
use stapes_kernels::recurrent::{Backward, CellKind, Direction, Forward, Gradients, Recurrence, Weights};
use stapes_kernels::{InstructionSet, Sequences};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all calls are forwarded to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: guaranteed by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: guaranteed by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_second_pass_allocates_nothing() {
    for kind in CellKind::ALL {
        for direction in [Direction::Forward, Direction::Backward] {
            let (inputs, hidden, rows) = (5, 13, kind.gates() * 13);
            let sequences = [Sequences::new(&[30, 90, 7]).unwrap(), Sequences::new(&[60, 1]).unwrap()];
            let frames = sequences[0].frames();
            let (input, mut output) = (vec![0.1; frames * inputs], vec![0.0; frames * hidden]);
            let mut d_input = vec![0.0; frames * inputs];
            let weights = [vec![0.1; rows * inputs], vec![0.1; rows * hidden], vec![0.1; rows]];
            let mut gradients =
                [weights[0].clone(), weights[1].clone(), weights[2].clone(), weights[2].clone()];
            let state = vec![0.1; kind.states() * 3 * hidden];
            let mut layer = Recurrence::new(InstructionSet::best(), kind, (inputs, hidden), direction);
            let mut pass = |sequences: &Sequences| {
                let weights = Weights {
                    input: &weights[0],
                    recurrent: &weights[1],
                    bias: Some([&weights[2], &weights[2]]),
                };
                layer.pack_weights(weights);
                layer.pack_weights_backward(weights);
                let (frames, batch) = (sequences.frames(), sequences.batch());
                let input = Matrix::new(&input[..frames * inputs], frames, inputs);
                let state = &state[..kind.states() * batch * hidden];
                let output = &mut output[..frames * hidden];
                for keep in [false, true] {
                    let forward = Forward { sequences, input, initial: Some(state), keep };
                    layer.forward(forward, MatrixMut::new(output, frames, hidden));
                }
                let output = Matrix::new(output, frames, hidden);
                let [input_of, recurrent, first, second] = &mut gradients;
                let gradients = Gradients { input: input_of, recurrent, bias: Some([first, second]) };
                let d_input = MatrixMut::new(&mut d_input[..frames * inputs], frames, inputs);
                let backward = Backward {
                    sequences,
                    input,
                    output,
                    d_output: output,
                    d_final: Some(state),
                    truncate: None,
                    norms: true,
                };
                layer.backward(backward, gradients, Some((d_input, Start::Zero)));
                if direction == Direction::Forward {
                    let mut state = [0.0; 26];
                    layer.step(&[0.1; 5], &mut state[..kind.states() * hidden]);
                }
            };
            pass(&sequences[0]);
            let before = COUNT.with(Cell::get);
            pass(&sequences[0]);
            pass(&sequences[1]);
            assert_eq!(COUNT.with(Cell::get), before, "{kind:?} {direction:?}");
        }
    }
}
