//! Whether the vector operations of kernels are inlined into them, as `src/simd/mod.rs` says they must be: where they are
//! not, each is a call, and kernels take up to twice the time with results as right as ever.

/// Fails with the names of the vector operations that are functions of their own in this test's program, whose kernels
/// are those of all tests. Other systems keep symbols elsewhere.
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
