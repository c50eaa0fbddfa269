-- The barrier in Redis: one operation of a branch is decided, carried out and recorded by one atomic script.
--
-- It holds no rule: what each record means for this operation comes as arguments, from `transaction::barrier`. It must
-- never write before everything is decided, because Redis rolls nothing back. Read next: run.rs, counter.lua.
--
-- KEYS  1        the record of the branch, a hash:
--                  record               tried | refused | confirmed | cancelled | voided; no such key: blank
--                  OPERATION.outcome    done | refused | void
--                  OPERATION.content    32 hex digits over what was asked
--                  OPERATION.answer     what was answered, JSON, if anything
--                  OPERATION.code, OPERATION.detail    why the business refused it
--                  broken               what went wrong in the middle of a change: a person must look
--       2 …      the business's keys
--       the last with an epoch only: the key that must hold it
-- ARGV  1        the operation, by its name on the wire
--       2        the operation that came first in this pattern: try, action, submit
--       3        the content
--       4        the epoch; empty: none is asked for
--       5        RECORD:LIFE after a refusal by the business; empty: it is not kept
--       6 – 11   what is done where the record is blank, tried, refused, confirmed, cancelled, voided:
--                  run:RECORD:LIFE | void:RECORD:LIFE | repeat | refuse:HAZARD     (LIFE in milliseconds, 0: for ever)
--       12 …     the business's arguments
--
-- Returns {done, ANSWER} | {void} | {repeat, OUTCOME, CONTENT, ANSWER, CODE, DETAIL} | {refuse, HAZARD}
--       | {refused, CODE, DETAIL} | {in_progress}
--       | {failed, TEXT}   an error before anything was written
--       | {broken, TEXT}   an error, now or earlier, after the business may have written
--       | {lost}           the epoch is another one: this Redis has lost what it held

local RECORDS = {'blank', 'tried', 'refused', 'confirmed', 'cancelled', 'voided'}
local ANSWER_MAX = 65536
local READS = {}
for name in string.gmatch('BITCOUNT EXISTS GET GETBIT GETRANGE HEXISTS HGET HGETALL HKEYS HLEN HMGET HVALS LINDEX LLEN '
    .. 'LRANGE MGET PTTL SCARD SISMEMBER SMEMBERS SMISMEMBER STRLEN TIME TTL TYPE ZCARD ZCOUNT ZRANGE ZRANK ZSCORE', '%u+') do
  READS[name] = true
end

local call = redis.call

-- The business: a chunk that returns {allow = function, apply = function}. It does not see `redis`, so that `allow` can
-- only read and `apply` is the only one to write.
local business = (function(redis)
--[[business]]
end)()

local function read(command, ...)
  if not READS[string.upper(command)] then error('allow may only read, not ' .. command) end
  return call(command, ...)
end

local function said(fault)
  return type(fault) == 'table' and fault.err or tostring(fault)
end

local operation, attempt, content, epoch, refusal = unpack(ARGV, 1, 5)
local keys = {unpack(KEYS, 2)}
local arguments = {unpack(ARGV, 12)}

if epoch ~= '' and call('GET', table.remove(keys)) ~= epoch then return {'lost'} end

local record, broken, result = unpack(call('HMGET', KEYS[1], 'record', 'broken', attempt .. '.answer'))
if broken then return {'broken', broken} end

local ruling
for at, name in ipairs(RECORDS) do
  if name == (record or 'blank') then ruling = ARGV[5 + at] end
end
local verb, what = string.match(ruling, '^(%l+):?(.*)$')

-- The first write of the script: what Redis denies for want of memory or of a disk, it denies here, before any change.
local function keep(outcome, after, ...)
  local name, life = string.match(after, '^(%l+):(%d+)$')
  call('HSET', KEYS[1], 'record', name, operation .. '.outcome', outcome, operation .. '.content', content, ...)
  if life ~= '0' then call('PEXPIRE', KEYS[1], life) end
end

local function decide()
  local refused = business.allow(read, keys, arguments, result or nil)
  if refused == nil then return nil end
  assert(refused[1] == 'in_progress' or refused[1] == 'refused' and refused[2] and refused[3],
    "allow returns nothing, {'refused', code, detail} or {'in_progress'}")
  return refused
end

local function make()
  local answer = business.apply(call, keys, arguments, result or nil) or ''
  assert(#answer <= ANSWER_MAX, 'an answer of ' .. #answer .. ' bytes')
  if answer ~= '' then cjson.decode(answer) end
  return answer
end

if verb == 'refuse' then return {'refuse', what} end
if verb == 'repeat' then
  local of = operation .. '.'
  return {'repeat', unpack(call('HMGET', KEYS[1],
    of .. 'outcome', of .. 'content', of .. 'answer', of .. 'code', of .. 'detail'))}
end
if verb == 'void' then
  keep('void', what)
  return {'void'}
end

local is_decided, refused = pcall(decide)
if not is_decided then return {'failed', said(refused)} end
if refused then
  if refused[1] == 'refused' and refusal ~= '' then
    keep('refused', refusal, operation .. '.code', refused[2], operation .. '.detail', refused[3])
  end
  return refused
end

keep('done', what)
local is_made, answer = pcall(make)
if not is_made then
  call('HSET', KEYS[1], 'broken', said(answer))
  call('PERSIST', KEYS[1])
  return {'broken', said(answer)}
end
if answer ~= '' then call('HSET', KEYS[1], operation .. '.answer', answer) end
return {'done', answer}
