//! Check that the vector operations of kernels are inlined, as `src/simd/mod.rs` requires. Otherwise each operation
//! is a call, and kernels take up to twice the time, with correct results.

/// Panics with the names of the vector operations that are separate functions in this test's program.
#[cfg(target_os = "linux")]
#[test]
fn vector_operations_are_inlined() {
    use object::{Object, ObjectSymbol};

    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let file = object::File::parse(&*program).unwrap();
    let names: Vec<&str> = file.symbols().filter_map(|symbol| symbol.name().ok()).collect();
    assert!(names.iter().any(|name| name.contains("stapes_kernels")), "the program has no symbols");
    let outlined: Vec<&&str> =
        names.iter().filter(|name| name.contains("core_arch") && name.contains("_mm")).collect();
    assert!(outlined.is_empty(), "{outlined:#?}");
}
