// What the official image has as its service: a PDS with the settings of the environment. This one is on loopback only,
// unless it has a network of its own.
import { load } from './load.js'

const pds = load('/app/pds.cjs')
const { httpLogger, PDS } = pds.exports
process.once('exit', pds.keep)
await PDS.run({
  signals: ['SIGINT', 'SIGTERM'],
  onCreated: ({ app }) => {
    const listen = app.listen.bind(app)
    app.listen = (port) => listen(port, process.env.RIG_LISTEN ?? '127.0.0.1')
  },
  onStarted: () => httpLogger.info('pds has started'),
})
httpLogger.info('pds is stopped')
process.exit(0)
