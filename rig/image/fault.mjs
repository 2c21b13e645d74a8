// Loaded before the service of a bad image, whose environment says in RIG_FAULT what is wrong with it.
import { Server } from 'node:http'
import { DatabaseSync } from 'node:sqlite'

const unhealthy = (server) => {
  const emit = server.emit
  server.emit = function (event, ...args) {
    const [request, response] = args
    if (event !== 'request' || !request.url.startsWith('/xrpc/_health'))
      return emit.call(this, event, ...args)
    response.writeHead(503, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ version: process.env.PDS_VERSION, error: 'Service Unavailable' }))
    return true
  }
}

const migrate = () => {
  const database = new DatabaseSync(`${process.env.PDS_DATA_DIRECTORY}/account.sqlite`, { timeout: 5000 })
  const insert = 'insert or ignore into kysely_migration (name, timestamp) values (?, ?)'
  database.prepare(insert).run('900-from-a-newer-version', new Date().toISOString())
  database.close()
}

const die = (after) =>
  setTimeout(() => {
    process.stderr.write('fatal: this image is made to die\n')
    process.exit(1)
  }, after)

const faults = {
  diesAfter5s: () => die(5000),
  answers503: unhealthy,
  migratesThenFails: (server) => {
    unhealthy(server)
    migrate()
  },
}

// `docker exec … node` in the same container is not the service.
if (process.argv[1]?.endsWith('/index.js')) {
  const fault = process.env.RIG_FAULT
  if (fault === 'neverStarts') {
    process.stderr.write('fatal: this image is made not to start\n')
    process.exit(1)
  }
  const listen = Server.prototype.listen
  Server.prototype.listen = function (...args) {
    faults[fault]?.(this)
    return listen.apply(this, args)
  }
}
