-- A counter of hot stock: so many available, so many reserved, so many sold. A step moves a count from one to another.
--
-- The business part of a script whose other part is barrier.lua; KEYS and ARGV as a whole are described there.
-- It must never make or lose a unit: what a step takes from one field it adds to another.
--
-- keys       1  the counter, a hash: available, reserved, sold; whoever owns the stock writes it
-- arguments  1  the step: reserve, confirm, cancel (of a try) or sell, unsell (of a saga's action)
--            2  how many: for the first step of a branch; the others move what that one moved
-- Answers {"count":N}. Refuses under no_such_counter and insufficient.

local STEPS = {
  reserve = {'available', 'reserved'},
  confirm = {'reserved', 'sold'},
  cancel = {'reserved', 'available'},
  sell = {'available', 'sold'},
  unsell = {'sold', 'available'},
}

local function asked(arguments, result)
  return result and string.format('%.0f', cjson.decode(result).count) or arguments[2]
end

local function allow(read, keys, arguments, result)
  local from = STEPS[arguments[1]][1]
  local has = read('HGET', keys[1], from)
  if not has and from == 'available' then
    return {'refused', 'no_such_counter', 'there is no counter ' .. keys[1]}
  end
  -- Numbers of Lua are exact up to 2^53.
  local there, count = tonumber(has or '0'), tonumber(asked(arguments, result))
  assert(there < 9007199254740992, 'the counter ' .. keys[1] .. ' is too large')
  if there >= count then return nil end
  local short = string.format('%.0f asked for, %.0f %s', count, there, from)
  assert(from == 'available', 'the counter ' .. keys[1] .. ' has lost units: ' .. short)
  return {'refused', 'insufficient', short}
end

local function apply(write, keys, arguments, result)
  local from, to = unpack(STEPS[arguments[1]])
  local count = asked(arguments, result)
  write('HINCRBY', keys[1], from, '-' .. count)
  write('HINCRBY', keys[1], to, count)
  return '{"count":' .. count .. '}'
end

return {allow = allow, apply = apply}
