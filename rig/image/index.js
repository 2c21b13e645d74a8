// What the official image has as its service: a PDS with the settings of the environment. This one is on loopback only.
import { httpLogger, PDS } from '@atproto/pds'

await PDS.run({
  signals: ['SIGINT', 'SIGTERM'],
  onCreated: ({ app }) => {
    const listen = app.listen.bind(app)
    app.listen = (port) => listen(port, '127.0.0.1')
  },
  onStarted: () => httpLogger.info('pds has started'),
})
httpLogger.info('pds is stopped')
process.exit(0)
