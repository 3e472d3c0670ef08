'use strict';
// Replaces prom-client's index.js, which also loads its default metrics and OpenTelemetry.
module.exports = {
  Counter: require('prom-client/lib/counter.js'),
  Gauge: require('prom-client/lib/gauge.js'),
  Registry: require('prom-client/lib/registry.js'),
};
