// Loads the PDS, which is one file of CommonJS, with what V8 has compiled of it in an earlier run. Node's own compile
// cache keeps what is compiled while a file is loaded; of a PDS, most is compiled later, when it first runs.
import dns from 'node:dns'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { constants, Script } from 'node:vm'

// The PLC directory is at localhost, a name that not every machine has in its /etc/hosts.
const { lookup } = dns
dns.lookup = (name, ...rest) => lookup(name === 'localhost' ? '127.0.0.1' : name, ...rest)

/**
 * @param {string} file the PDS; what is compiled lies beside it, in a file of the same name and `.cache`
 * @returns {{ exports: any, keep: () => void }} what the PDS exports, and what writes down what has been compiled by
 *   then, unless that has been done
 */
export function load(file) {
  const cache = `${file}.cache`
  const cachedData = existsSync(cache) ? readFileSync(cache) : undefined
  // It is ASCII alone.
  const text = readFileSync(file, 'latin1')
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, {
    filename: file,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  const module = { exports: {} }
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file))
  return {
    exports: module.exports,
    keep() {
      if (cachedData && !script.cachedDataRejected) return
      writeFileSync(`${cache}.${process.pid}`, script.createCachedData())
      renameSync(`${cache}.${process.pid}`, cache)
    },
  }
}
