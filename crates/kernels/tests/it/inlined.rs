//! Checks of the compiled kernels in this test's program.
//!
//! Vector operations must be inlined, as `src/simd/mod.rs` requires. Otherwise each operation is a call, and kernels
//! take up to twice the time, with correct results. Sums that leave their registers have a similar price.

#![cfg(target_os = "linux")]

use object::{File, Object, ObjectSymbol};

fn with_program(check: impl FnOnce(&File<'_>)) {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    check(&File::parse(&*program).unwrap());
}

/// Panics with the names of the vector operations that are separate functions.
#[test]
fn vector_operations_are_inlined() {
    with_program(|file| {
        let names: Vec<&str> = file.symbols().filter_map(|symbol| symbol.name().ok()).collect();
        assert!(names.iter().any(|name| name.contains("stapes_kernels")), "the program has no symbols");
        let instruction =
            |name: &str| ["_mm", "aarch64", "arm_shared"].iter().any(|part| name.contains(part));
        let outlined: Vec<&&str> =
            names.iter().filter(|name| name.contains("core_arch") && instruction(name)).collect();
        assert!(outlined.is_empty(), "{outlined:#?}");
    });
}

/// Instructions of a loop that contains no other loop.
#[derive(Debug, Default)]
struct Loop {
    instructions: usize,
    multiply_adds: usize,
    calls: usize,
    stack_accesses: usize,
}

/// Returns the distance of a relative branch within a function, in instructions.
fn branch(word: u32) -> Option<i32> {
    // The offset is sign-extended from `bits` bits that start at bit `low`.
    let offset = |low: u32, bits: u32| ((word >> low) << (32 - bits)).cast_signed() >> (32 - bits);
    match () {
        // b; b.cond; cbz and cbnz; tbz and tbnz.
        () if word & 0xfc00_0000 == 0x1400_0000 => Some(offset(0, 26)),
        () if word & 0xff00_0010 == 0x5400_0000 => Some(offset(5, 19)),
        () if word & 0x7e00_0000 == 0x3400_0000 => Some(offset(5, 19)),
        () if word & 0x7e00_0000 == 0x3600_0000 => Some(offset(5, 14)),
        () => None,
    }
}

/// Returns the innermost loops of a function for 64-bit ARM processors.
fn innermost_loops(code: &[u32]) -> Vec<Loop> {
    let back: Vec<(usize, usize)> = (0..code.len())
        .filter_map(|at| {
            let start = at.checked_add_signed(branch(code[at])? as isize)?;
            (start <= at).then_some((start, at))
        })
        .collect();
    let contains = |a: (usize, usize), b: (usize, usize)| a != b && a.0 <= b.0 && b.1 <= a.1;
    let innermost = back.iter().filter(|&&outer| !back.iter().any(|&inner| contains(outer, inner)));
    innermost
        .map(|&(start, end)| {
            let words = &code[start..=end];
            let count = |is: fn(u32) -> bool| words.iter().filter(|&&word| is(word)).count();
            Loop {
                instructions: words.len(),
                // fmla of vectors of four numbers, by vectors and by elements.
                multiply_adds: count(|word| {
                    word & 0xffe0_fc00 == 0x4e20_cc00 || word & 0xffc0_f400 == 0x4f80_1000
                }),
                // bl and blr.
                calls: count(|word| word & 0xfc00_0000 == 0x9400_0000 || word & 0xffff_fc1f == 0xd63f_0000),
                // Loads and stores relative to register 31.
                stack_accesses: count(|word| word & 0x0a00_0000 == 0x0800_0000 && word >> 5 & 31 == 31),
            }
        })
        .collect()
}

#[test]
fn loops_are_decoded() {
    let code = [
        0x9400_0010, // bl, outside the loops
        0xf940_03e0, // ldr x0, [sp]
        0x4e21_cc02, // fmla v2.4s, v0.4s, v1.4s
        0x4f8c_1127, // fmla v7.4s, v9.4s, v12.s[0]
        0xd63f_0100, // blr x8
        0x54ff_ff81, // b.ne to the ldr
        0xb5ff_ff40, // cbnz x0 to the bl: the outer loop
    ];
    let loops = innermost_loops(&code);
    let [Loop { instructions: 5, multiply_adds: 2, calls: 1, stack_accesses: 1 }] = loops[..] else {
        panic!("{loops:?}")
    };
}

/// Panics unless the sums of tiles stay in registers on 64-bit ARM processors. With debug assertions they do not.
#[cfg(all(target_arch = "aarch64", not(debug_assertions)))]
#[test]
fn tiles_stay_in_registers() {
    use object::ObjectSection;

    /// Sums of a tile that uses the registers well; NEON has 32 registers.
    const LARGE: usize = 20;
    with_program(|file| {
        for kernel in ["6packed8multiply", "9correlate9correlate", "8gradient17add_position_sums"] {
            let mut loops = Vec::new();
            for symbol in
                file.symbols().filter(|symbol| symbol.name().is_ok_and(|name| name.contains(kernel)))
            {
                let section = file.section_by_index(symbol.section_index().unwrap()).unwrap();
                let code = section.data_range(symbol.address(), symbol.size()).unwrap().unwrap();
                let code: Vec<u32> =
                    code.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)).collect();
                loops.extend(innermost_loops(&code));
            }
            let large: Vec<&Loop> = loops.iter().filter(|of| of.multiply_adds >= LARGE).collect();
            println!("{kernel}: {large:?}");
            assert!(!large.is_empty(), "{kernel}: {loops:?}");
            for of in large {
                assert_eq!((of.calls, of.stack_accesses), (0, 0), "{kernel}: {of:?}");
                assert!(2 * of.multiply_adds > of.instructions, "{kernel}: {of:?}");
            }
        }
    });
}
