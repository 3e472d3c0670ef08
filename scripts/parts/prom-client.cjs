'use strict';
// In place of prom-client's index.js, which loads its default metrics and OpenTelemetry as well.
module.exports = {
  Counter: require('prom-client/lib/counter.js'),
  Gauge: require('prom-client/lib/gauge.js'),
  Registry: require('prom-client/lib/registry.js'),
};
