//! Reads a server's /metrics.
//!
//! Read next: `tercet.rs`, which names the meters it wants.

use std::net::SocketAddr;

use anyhow::{Context, ensure};

use crate::wire;

/// The Prometheus text of one moment.
#[derive(Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    pub(crate) fn of(address: SocketAddr) -> anyhow::Result<Self> {
        let mut request = Vec::new();
        wire::get(&mut request, "/metrics");
        let (status, body) = wire::once(address, &request)?;
        ensure!(status == 200, "/metrics answered {status}");
        Ok(Metrics(String::from_utf8(body)?))
    }

    /// The sum over all labels of one meter; an error when there is no such meter.
    pub(crate) fn sum(&self, meter: &str) -> anyhow::Result<u64> {
        let mut values = self.0.lines().filter_map(|line| value(line, meter)).peekable();
        values.peek().with_context(|| format!("/metrics has no {meter}"))?;
        Ok(values.sum::<f64>() as u64)
    }
}

fn value(line: &str, meter: &str) -> Option<f64> {
    let rest = line.strip_prefix(meter)?;
    if !rest.starts_with([' ', '{']) {
        return None;
    }
    rest.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_summed_and_longer_names_are_others() {
        let text =
            "# TYPE open gauge\nopen{state=\"a b\"} 2\nopen{state=\"c\"} 3\nopen_max 9\nsyncs_count 4\n";
        let metrics = Metrics(text.to_owned());
        assert_eq!(metrics.sum("open").unwrap(), 5);
        assert_eq!(metrics.sum("syncs_count").unwrap(), 4);
        assert!(metrics.sum("absent").unwrap_err().to_string().contains("absent"));
    }
}
