//! Stochastic gradient descent.

/// p = p - rate (g + decay p)
pub(super) fn update((rate, decay): (f64, f64), gradients: &[f32], parameters: &mut [f32]) {
    let (rate, decay) = (rate as f32, decay as f32);
    for (parameter, &gradient) in parameters.iter_mut().zip(gradients) {
        *parameter -= rate * (gradient + decay * *parameter);
    }
}

/// v = momentum v + g + decay p, p = p - rate v
pub(super) fn update_with_momentum(
    (rate, decay): (f64, f64),
    (momentum, velocity): (f32, &mut [f32]),
    gradients: &[f32],
    parameters: &mut [f32],
) {
    let (rate, decay) = (rate as f32, decay as f32);
    for ((parameter, &gradient), velocity) in parameters.iter_mut().zip(gradients).zip(velocity) {
        *velocity = momentum * *velocity + (gradient + decay * *parameter);
        *parameter -= rate * *velocity;
    }
}
