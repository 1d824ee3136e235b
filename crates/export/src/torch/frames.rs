//! Processing of the frames of a clip, as lines of the function `features`.

use stapes_features::{DeltaMode, DeltaStage, FrameStage, Normalization, StackingConfig};

use super::python::{INDENT, call, number};

/// Returns the lines of a stage, which replace `frames`.
pub(super) fn lines(stage: &FrameStage) -> String {
    match stage {
        FrameStage::Deltas(deltas) => delta_lines(deltas),
        FrameStage::Stacking(StackingConfig { left, right, every }) => {
            format!("{INDENT}frames = stack(frames, left={left}, right={right}, every={every})\n")
        }
        FrameStage::Normalization(normalization) => match function(*normalization) {
            Some(name) => format!("{INDENT}frames = {name}(frames)\n"),
            None => String::new(),
        },
    }
}

/// Returns the function of the template for a normalization over the frames of a clip.
fn function(normalization: Normalization) -> Option<&'static str> {
    match normalization {
        Normalization::PerUtterance => Some("standardize"),
        Normalization::Cmvn => Some("cmvn"),
        Normalization::PerUtteranceMean | Normalization::CmvnMean => Some("subtract_mean"),
        _ => None,
    }
}

fn delta_lines(stage: &DeltaStage) -> String {
    let name = |block: usize| if block == 0 { "frames".to_owned() } else { format!("delta{block}") };
    let mode = match stage.edges {
        DeltaMode::Interp => "interp",
        DeltaMode::Nearest => "edge",
        DeltaMode::Mirror => "reflect",
        DeltaMode::Constant => "constant",
        DeltaMode::Wrap => "wrap",
    };
    let mut lines = String::new();
    for (filter, block) in stage.filters.iter().zip(1..) {
        let arguments = [name(filter.source), array(&filter.weights), format!("mode=\"{mode}\"")];
        lines += &call(&format!("{} = delta", name(block)), &arguments, "");
    }
    let blocks: Vec<String> = (0..=stage.filters.len()).map(name).collect();
    lines + &format!("{INDENT}frames = np.concatenate([{}], axis=1)\n", blocks.join(", "))
}

/// Returns weights as an array: whole numbers and their divisor, if there is one.
fn array(weights: &[f64]) -> String {
    let list = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(", ");
    match divisor(weights) {
        Some(divisor) => {
            let mut whole = weights.iter().map(|weight| number((weight * divisor).round() + 0.0));
            format!("np.array([{}]) / {}", list(&mut whole), number(divisor))
        }
        None => format!("np.array([{}])", list(&mut weights.iter().map(|&weight| number(weight)))),
    }
}

/// Maximum numerator of the smallest weight.
const MAX_NUMERATOR: usize = 1000;

/// Tolerance of whole numbers; weights of Kaldi are rounded to 32 bits.
const ROUNDING: f64 = 1e-7;

/// Returns the smallest divisor that makes the weights whole numbers, up to rounding.
fn divisor(weights: &[f64]) -> Option<f64> {
    let magnitudes = weights.iter().map(|weight| weight.abs());
    let largest = magnitudes.clone().fold(0.0, f64::max);
    // Weights within the rounding of the others are 0.
    let smallest = magnitudes.filter(|&weight| weight > 1e-12 * largest).fold(f64::INFINITY, f64::min);
    (1..=MAX_NUMERATOR).map(|numerator| (numerator as f64 / smallest).round()).find(|divisor| {
        let is_whole = |weight: &f64| {
            let product = weight * divisor;
            (product - product.round()).abs() <= ROUNDING * product.abs().max(1.0)
        };
        *divisor < 1e9 && weights.iter().all(is_whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_fractions() {
        assert_eq!(array(&[-0.2, -0.1, 0.0, 0.1, 0.2]), "np.array([-2, -1, 0, 1, 2]) / 10");
        let second = [4.0, 4.0, 1.0, -4.0, -10.0, -4.0, 1.0, 4.0, 4.0].map(|weight| weight / 100.0);
        assert_eq!(array(&second), "np.array([4, 4, 1, -4, -10, -4, 1, 4, 4]) / 100");
        assert_eq!(array(&second.map(|weight| f64::from(weight as f32))), array(&second));
        let fitted = [28.0, 7.0, -8.0, -17.0, -20.0, -17.0, -8.0, 7.0, 28.0].map(|weight| weight / 462.0);
        assert_eq!(array(&fitted), "np.array([28, 7, -8, -17, -20, -17, -8, 7, 28]) / 462");
        assert_eq!(array(&[0.5f64.sqrt(), 1.0]), "np.array([0.7071067811865476, 1])");
    }
}
