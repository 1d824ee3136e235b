//! Stochastic gradient descent.

/// p = p - rate g
pub(super) fn update(rate: f32, gradients: &[f32], parameters: &mut [f32]) {
    for (parameter, &gradient) in parameters.iter_mut().zip(gradients) {
        *parameter -= rate * gradient;
    }
}

/// v = momentum v + g, p = p - rate v
pub(super) fn update_with_momentum(
    rate: f32,
    momentum: f32,
    velocity: &mut [f32],
    gradients: &[f32],
    parameters: &mut [f32],
) {
    for ((parameter, &gradient), velocity) in parameters.iter_mut().zip(gradients).zip(velocity) {
        *velocity = momentum * *velocity + gradient;
        *parameter -= rate * *velocity;
    }
}
